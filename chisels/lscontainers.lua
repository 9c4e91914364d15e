-- The containers known at the start of the trace or of the live run.
--
--   sysdig-py -r trace -c lscontainers
--
--   container.type container.image container.name      container.id
--   -------------- --------------- ------------------- ------------
--   docker         nginx           hopeful_taussig     697956520d89
-- luacheck: read globals extend_string st

require "common"

description = "Lists the containers that were there when the first event came, with type, image, name and id."
short_description = "List the running containers"
category = "System State"

args = {
    { name = "desc", argtype = "string", optional = true, description = "Prints the result set as a data structure" },
}

local COLUMNS = {
    { title = "container.type", key = "type", width = 15 },
    { title = "container.image", key = "image", width = 16 },
    { title = "container.name", key = "name", width = 20 },
    { title = "container.id", key = "id", width = 13 },
}

local is_structure = false

function on_set_arg(name, value)
    if name == "desc" and value == "desc" then
        is_structure = true
    end
    return true
end

local function line(cell_of)
    local cells = {}
    for i, column in ipairs(COLUMNS) do
        cells[i] = extend_string(cell_of(column), column.width)
    end
    return table.concat(cells)
end

local function print_table(containers)
    print(line(function(column) return column.title end))
    print(line(function(column) return ("-"):rep(column.width - 1) end))
    for _, container in ipairs(containers) do
        print(line(function(column) return container[column.key] end))
    end
end

function on_event()
    sysdig.end_capture()
    local containers = sysdig.get_container_table()
    if is_structure then
        print(st(containers))
    else
        print_table(containers)
    end
    return false
end
