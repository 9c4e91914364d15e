-- How the two ends of a connection are called: by container, else by process, else by address.

local M = {}

local fields

function M.init()
    fields = {
        process = chisel.request_field("proc.name"),
        container = chisel.request_field("container.name"),
        client_address = chisel.request_field("fd.cip"),
        server_address = chisel.request_field("fd.sip"),
        client_container = chisel.request_field("fd.cip.container"),
        server_container = chisel.request_field("fd.sip.container"),
    }
end

local function is_container(name)
    return name and name ~= "host"
end

-- The end of this event's own process; `by_address` is the container that has its address.
local function own_name(by_address)
    local container = evt.field(fields.container)
    if is_container(container) then
        return container
    end
    return is_container(by_address) and by_address or evt.field(fields.process)
end

-- Write what this event tells into `flow`: client_address, server_address, and the name of the end it happened on.
function M.describe(flow, is_server)
    local client, server = evt.field(fields.client_container), evt.field(fields.server_container)
    flow.client_address = client or evt.field(fields.client_address)
    flow.server_address = server or evt.field(fields.server_address)
    if is_server then
        flow.server_name = own_name(server)
    else
        flow.client_name = own_name(client)
    end
end

-- The names of both ends.
function M.names(flow)
    return flow.client_name or flow.client_address or "?", flow.server_name or flow.server_address or "?"
end

return M
