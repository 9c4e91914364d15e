-- What processes write to the standard error.
--
--   sysdig-py -c stderr proc.name=cat
--
--   cat: /nonexistent: No such file or directory

local color = require "color_option"
local standard_stream = require "standard_stream"

description = "Prints what processes write to the standard error; a filter restricts it to some of them. "
    .. "With -pc the container is shown in front, in blue."
short_description = "Print the stderr of processes"
category = "I/O"

args = { color.argument }

local container, container_id

function on_set_arg(name, value)
    return color.take(name, value)
end

function on_init()
    if sysdig.is_print_container_data() then
        color.apply()
        container, container_id = chisel.request_field("container.name"), chisel.request_field("container.id")
    end
    return standard_stream.init(2)
end

function on_event()
    return standard_stream.on_event(function()
        if not container then
            return ""
        end
        local name, id = evt.field(container) or "", evt.field(container_id) or ""
        return color.of_container(name) .. ("%-20.20s %-20.20s "):format(id, name)
    end)
end
