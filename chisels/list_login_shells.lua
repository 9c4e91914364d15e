-- Login shells in which some command was run.
--
--   sysdig-py -r trace -c list_login_shells "tar /etc"
--
--   Shells containing tar:
--   25754

description = "Lists the ids of the login shells below which a command was run whose name contains the first argument "
    .. "(* for any) and whose arguments contain the second. With -pc the container's name and id are shown."
short_description = "List the login shell IDs"
category = "Security"

args = {
    {
        name = "command", argtype = "string", optional = true,
        description = "Part of the name of a command that was run in the shell, * for any",
    },
    {
        name = "arguments", argtype = "string", optional = true,
        description = "Part of the arguments of a command that was run in the shell",
    },
}

local wanted = { command = "*", arguments = "" }
local with_container
local fields
local shells = {}

function on_set_arg(name, value)
    wanted[name] = value
    return true
end

function on_init()
    with_container = sysdig.is_print_container_data()
    fields = {
        shell = chisel.request_field("proc.loginshellid"),
        command = chisel.request_field("evt.arg.exe"),
        arguments = chisel.request_field("evt.arg.args"),
        container = chisel.request_field("container.name"),
        container_id = chisel.request_field("container.id"),
    }
    chisel.set_filter("evt.type=execve")
    return true
end

local function contains(text, part)
    return (text or ""):find(part, 1, true) ~= nil
end

function on_event()
    local shell, command = evt.field(fields.shell), evt.field(fields.command)
    if not shell or not command then
        return false
    end
    local is_named = wanted.command == "*" or contains(command, wanted.command)
    if is_named and contains(evt.field(fields.arguments), wanted.arguments) then
        shells[shell] = { evt.field(fields.container) or "", evt.field(fields.container_id) or "" }
    end
    return false
end

function on_capture_end()
    print(wanted.command == "*" and "All shells:" or "Shells containing " .. wanted.command .. ":")
    local ids = {}
    for id in pairs(shells) do
        ids[#ids + 1] = id
    end
    table.sort(ids)
    for _, id in ipairs(ids) do
        print(with_container and id .. " " .. table.concat(shells[id], " ") or id)
    end
end
