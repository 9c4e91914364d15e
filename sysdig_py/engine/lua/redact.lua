-- Takes secrets out of the records that are written: each value becomes a hash of it under a key that is forgotten, so
-- that equal values stay equal within a trace and tell nothing else.
--
--   payload  what was read, written, sent and received, and other buffers
--   args     arguments of programs
--   env      values of environment variables; their names stay
--   paths    names of files, directory by directory, so that joining paths still works
local bit = require("bit")
local ffi = require("ffi")
local dialect = require("dialect")
local event_info = require("event_info")
local record = require("record")
local siphash = require("siphash")

local M = { by_type = {}, MARK = "r~" }

local HEADER, PREFIX, LARGE = record.HEADER_SIZE, record.PREFIX_SIZE, record.LARGE
local u8p, u16p, u32p = ffi.typeof("const uint8_t *"), ffi.typeof("const uint16_t *"), ffi.typeof("const uint32_t *")
local AF_UNIX, UNIX_PATH = 1, 17
local ALIGNMENT, MAX_PARAMS = 8, 64
local LISTS = { args = true, env = true }
local PATH_NAMES = { path = true, cwd = true, root = true, filename = true, target = true, special = true, dev = false,
    quotafilepath = true, exepath = true, trusted_exepath = true }
local BUFFERS = { value_charbuf = true, uargs = true }
local CONTAINER_EVENTS = { [272] = true, [324] = true }

local function hash(text)
    return M.MARK .. siphash.hex(text)
end

local function whole(text)
    return text == "" and text or hash(text)
end

local function words(text)
    return (text:gsub("%Z+", hash))
end

local function variables(text)
    return (text:gsub("%Z+", function(entry)
        local name, value = entry:match("^([^=]*=)(.*)$")
        return name and name .. hash(value) or hash(entry)
    end))
end

local function component(name)
    if name == "." or name == ".." then return name end
    return hash(name)
end

-- A name without any directory is one all the same, where only names are.
local function path(text)
    local text_, stop = text:match("^(%Z*)(%z?)$")
    if not text_ then return whole(text) end
    local ends, rest = text_:match("^(%x+%->%x+ )(.*)$")
    return (ends or "") .. (rest or text_):gsub("[^/]+", component) .. stop
end

local function path_of_fd(text)
    return text:find("/", 1, true) and path(text) or text
end

local function unix_path(offset)
    return function(value)
        if value:byte(1) ~= AF_UNIX or #value <= offset then return value end
        return value:sub(1, offset) .. path(value:sub(offset + 1))
    end
end

-- Only the variant that is a buffer holds a secret.
local function dynamic(value)
    if value:byte(1) ~= 0 then return value end
    return value:sub(1, 1) .. whole(value:sub(2))
end

local function nothing()
    return "\0"
end

local function class_of_bytes(name)
    if LISTS[name] then return name, name == "args" and words or variables end
    if name == "cgroups" or name == "labels" then return nil end
    return "payload", whole
end

-- Class of secrets that a parameter belongs to, and what becomes of its value.
local function class_of(info, param)
    local kind, name = param.type, param.name
    if info.code >= record.FIRST_STATE then
        if info.id == "STATE_ENTERED" then return "any", M.inner end
        if info.id == "STATE_CONTAINER" then return name == "json" and "env" or nil, nothing end
        if info.id == "STATE_FD" and name == "name" then return "paths", path_of_fd end
        if info.id == "STATE_INTERFACE" or info.id:match("^STATE_CGROUP") then return nil end
    end
    if kind == "bytebuf" then return class_of_bytes(name) end
    if kind == "fspath" or kind == "fsrelpath" then return "paths", path end
    if kind == "charbuf" and PATH_NAMES[name] then return "paths", path end
    if kind == "charbuf" and BUFFERS[name] then return "payload", whole end
    if kind == "sockaddr" then return "paths", unix_path(1) end
    if kind == "socktuple" then return "paths", unix_path(UNIX_PATH) end
    if kind == "dyn" then return "payload", dynamic end
    return nil
end

-- Redact these classes (names -> true) under a key of 16 bytes.
function M.setup(classes, key)
    siphash.set_key(key)
    classes.any = true
    for code, info in pairs(event_info.events) do
        local steps
        for i, param in ipairs(info.params) do
            local class, change = class_of(info, param)
            if class and classes[class] then
                steps = steps or {}
                steps[i] = change
            end
        end
        M.by_type[code] = steps
    end
    -- their text holds arguments and environments; what else they tell is in the state of the trace
    M.drops = dialect.paired and (classes.env or classes.args) and CONTAINER_EVENTS or {}
end

local function params_of(rec)
    local base, count = ffi.cast(u8p, rec), rec.nparams
    local large = bit.band(rec.flags, LARGE) ~= 0
    local lengths = large and ffi.cast(u32p, base + HEADER) or ffi.cast(u16p, base + HEADER)
    local at, stop, params = HEADER + (large and 4 or 2) * count, PREFIX + rec.event_len, {}
    if count < 0 or count > MAX_PARAMS or at > stop then return nil end
    for i = 0, count - 1 do
        local len = tonumber(lengths[i])
        if at + len > stop then return nil end
        params[i + 1], at = ffi.string(base + at, len), at + len
    end
    return params
end

local function is_large(params)
    for _, param in ipairs(params) do
        if #param > record.MAX_SHORT_PARAM then return true end
    end
    return false
end

local function packed(rec, params)
    local large = is_large(params)
    local lengths = ffi.new(large and "uint32_t[?]" or "uint16_t[?]", #params)
    for i, param in ipairs(params) do lengths[i - 1] = #param end
    local body = ffi.string(lengths, (large and 4 or 2) * #params) .. table.concat(params)
    local len = bit.band(HEADER + #body + ALIGNMENT - 1, -ALIGNMENT)
    local bytes = ffi.new("uint8_t[?]", len)
    ffi.copy(bytes, rec, HEADER)
    local made = ffi.cast(record.mut_ptr, bytes)
    made.len, made.event_len, made.nparams = len, HEADER - PREFIX + #body, #params
    made.flags = large and bit.bor(made.flags, LARGE) or bit.band(made.flags, bit.bnot(LARGE))
    ffi.copy(bytes + HEADER, body, #body)
    return ffi.string(bytes, len)
end

-- The bytes to write for a record that is of a type with secrets; of a malformed one nothing but the header.
function M.record(rec)
    local params = params_of(rec)
    if not params then return packed(rec, {}) end
    for i, change in pairs(M.by_type[rec.type]) do
        if params[i] and params[i] ~= "" then params[i] = change(params[i]) end
    end
    return packed(rec, params)
end

-- The same for a record inside another one.
function M.inner(bytes)
    local rec = ffi.cast(record.ptr, bytes)
    if #bytes < HEADER or rec.len ~= #bytes or PREFIX + rec.event_len > #bytes then return "" end
    if not M.by_type[rec.type] then return bytes end
    return M.record(rec)
end

return M
