-- HTTP/1 requests and their responses, put together per connection: what httplog and httptop share.
--
-- http_init() from on_init, run_http_parser(evt, callback) from on_event. The callback gets
-- { request = {method, url, ts}, response = {code, length, ts}, dir, container }: times in ns since the first event,
-- dir "<" when the request was read (at the server), ">" when it was written (at the client).
-- luacheck: allow defined top, ignore 131

local SNAPLEN = 1024
local FILTER = "evt.is_io = true and evt.buflen > 0 and (fd.sockfamily = ip or fd.sockfamily = unix)"
local METHODS = {
    GET = true, POST = true, PUT = true, DELETE = true, HEAD = true, OPTIONS = true, PATCH = true, TRACE = true,
    CONNECT = true,
}
local GENERATION = 10000 -- requests without an answer; after so many new ones the oldest are forgotten

local fields
local waiting, waited, count = {}, {}, 0

function http_init()
    fields = {
        data = chisel.request_field("evt.rawarg.data"),
        fd = chisel.request_field("fd.num"),
        pid = chisel.request_field("proc.pid"),
        time = chisel.request_field("evt.reltime"),
        is_read = chisel.request_field("evt.is_io_read"),
        container = chisel.request_field("container.name"),
    }
    sysdig.set_snaplen(SNAPLEN)
    chisel.set_filter(FILTER)
end

-- The value of a header, nil when it is not among the bytes captured.
local function header(data, name)
    local pattern = "\r?\n" .. name:gsub("%a", function(c) return "[" .. c:upper() .. c:lower() .. "]" end)
    return data:match(pattern:gsub("%-", "%%-") .. ":[ \t]*([^\r\n]*)")
end

local function parse_request(data)
    local method, path = data:match("^(%u+) (%S+)")
    if not method or not METHODS[method] then
        return nil
    end
    local host = path:sub(1, 1) == "/" and header(data, "host") or ""
    return { method = method, url = host .. path }
end

local function parse_response(data)
    local code = data:match("^HTTP/1%.[01] (%d%d%d)")
    return code and { code = tonumber(code), length = tonumber(header(data, "content-length")) or 0 }
end

local function remember(key, request)
    if count >= GENERATION then
        waited, waiting, count = waiting, {}, 0
    end
    waiting[key], count = request, count + 1
end

local function take(key)
    local request = waiting[key] or waited[key]
    waiting[key], waited[key] = nil, nil
    return request
end

local function on_response(key, response, callback)
    local request = take(key)
    if request then
        response.ts = evt.field(fields.time)
        callback({
            request = request, response = response, dir = request.dir, container = evt.field(fields.container) or "",
        })
    end
end

function run_http_parser(_, callback)
    local data, fd, pid = evt.field(fields.data), evt.field(fields.fd), evt.field(fields.pid)
    if not data or not fd or not pid then
        return
    end
    local key = pid .. " " .. fd
    local response = parse_response(data)
    if response then
        return on_response(key, response, callback)
    end
    local request = parse_request(data)
    if request then
        request.ts, request.dir = evt.field(fields.time), evt.field(fields.is_read) and "<" or ">"
        remember(key, request)
    end
end
