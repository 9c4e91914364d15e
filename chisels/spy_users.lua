-- What users do in their shells: commands and changes of directory, indented by how deep they are.
--
--   sysdig-py -c spy_users
--
--   25754 22:31:12 root) ls --color=auto
--   25754 22:31:15 root) cd /etc
--      25754 22:31:20 root) tar -cf /tmp/backup.tar .
--
-- The number is the id of the login shell: the outermost shell among the ancestors. The depth is the number of
-- processes between the command and the nearest shell.
-- luacheck: read globals clean parse_numeric_input

require "common"
local terminal = require "ansiterminal"
local color = require "color_option"

description = "Lists the commands that users start, directly or through scripts, and the directories they go to. "
    .. "Depth is the number of processes between a command and the nearest shell. With -pc the container is "
    .. "shown, in blue."
short_description = "Display interactive user activity"
category = "Security"

args = {
    {
        name = "max_depth", argtype = "int", optional = true,
        description = "Leave out what is deeper below a shell than this",
    },
    color.argument,
}

local ANCESTORS = 16
local FILTER = "((evt.type=execve and evt.dir=<) or (evt.type=chdir and evt.dir=< and proc.name contains sh and not "
    .. "proc.name contains sshd)) and evt.failed=false"

local max_depth = math.huge
local with_container
local fields
local names, ids = {}, {}

function on_set_arg(name, value)
    if not color.take(name, value) then
        max_depth = parse_numeric_input(value, name)
    end
    return true
end

function on_init()
    color.apply()
    with_container = sysdig.is_print_container_data()
    for i = 0, ANCESTORS do
        names[i] = chisel.request_field("proc.aname[" .. i .. "]")
        ids[i] = chisel.request_field("proc.apid[" .. i .. "]")
    end
    fields = {
        type = chisel.request_field("evt.type"),
        exe = chisel.request_field("proc.exe"),
        arguments = chisel.request_field("proc.args"),
        directory = chisel.request_field("evt.arg.path"),
        user = chisel.request_field("user.name"),
        time = chisel.request_field("evt.time.s"),
        container = chisel.request_field("container.name"),
    }
    chisel.set_filter(FILTER)
    return true
end

local function is_shell(name)
    return name:sub(-2) == "sh" and name ~= "ssh"
end

-- How many processes up the nearest and the outermost shell are, looking from `first` (0 the process itself); nil when
-- there is none.
local function shells(first)
    local nearest, outermost
    for i = first, ANCESTORS do
        local name = evt.field(names[i])
        if not name then
            break
        elseif is_shell(name) then
            nearest, outermost = nearest or i, i
        end
    end
    return nearest, outermost
end

local function command(is_chdir)
    if is_chdir then
        return "cd " .. (evt.field(fields.directory) or "")
    end
    return (evt.field(fields.exe) or "") .. " " .. (evt.field(fields.arguments) or "")
end

local function print_command(shell, depth, is_chdir)
    local user, tint = evt.field(fields.user) or "<NA>", ""
    if with_container then
        local container = evt.field(fields.container) or ""
        user, tint = user .. "@" .. container, color.of_container(container)
    end
    local indent = (" "):rep(depth * ((with_container or is_chdir) and 4 or 3))
    print(("%s%s%d %s %s) %s"):format(tint, indent, evt.field(ids[shell]), evt.field(fields.time), clean(user),
        clean(command(is_chdir))))
end

function on_event()
    local is_chdir = evt.field(fields.type) == "chdir"
    local first = is_chdir and 0 or 1
    local nearest, outermost = shells(first)
    if nearest and nearest - first <= max_depth then
        print_command(outermost, nearest - first, is_chdir)
    end
    return false
end

function on_capture_end()
    print(terminal.reset)
end
