-- Saves the data of UDP conversations in files, one per conversation, below ./udp_dump_files.
--
--   sysdig-py --allow-io -r trace -c udp_extract
--
--   $ ls udp_dump_files
--   10.0.2.15_40251--10.0.2.3_53

description = "Writes the data that processes send and receive in UDP datagrams to files below ./udp_dump_files, one "
    .. "for every pair of addresses. It reads a trace and needs --allow-io."
short_description = "Extract data from UDP streams to files"
category = "I/O"

args = {}

local FOLDER = "udp_dump_files"
local SNAPLEN = 16384

local fields
local has_folder = false

function on_init()
    fields = {
        data = chisel.request_field("evt.rawarg.data"),
        name = chisel.request_field("fd.name"),
    }
    sysdig.set_snaplen(SNAPLEN)
    chisel.set_filter("evt.is_io=true and evt.dir=< and evt.rawres>=0 and fd.l4proto=udp")
    return true
end

function on_capture_start()
    if sysdig.is_live() then
        print("live capture not supported")
        return false
    end
    return true
end

local function append(name, data)
    if not has_folder then
        os.execute("mkdir -p " .. FOLDER)
        has_folder = true
    end
    local path = FOLDER .. "/" .. name:gsub(":", "_"):gsub(">", "-"):gsub("[^%w._%-]", "_")
    local file = assert(io.open(path, "ab"))
    file:write(data)
    file:close()
end

function on_event()
    local data, name = evt.field(fields.data), evt.field(fields.name)
    if data and name and name ~= "" then
        append(name, data)
    end
    return false
end
