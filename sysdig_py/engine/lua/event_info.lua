-- What the schema implies per event type, worked out once: added to the rows of schema_data.events.
--   is_exit   the exit half of a call
--   exists    false for codes that were never assigned
--   res_index parameter with the return value (0-based), -1 none
--   fd_index  parameter with the fd the event works on (0-based), -1 none
--   modifies  feeds the state tables
--   no_thread the event is about no thread
--   signed    [i] (0-based) whether the integer is signed
--   index     parameter name -> position (0-based)
local bit = require("bit")
local dialect = require("dialect")
local schema = require("schema_data")

local M = {
    CREATES_FD = 1, DESTROYS_FD = 2, USES_FD = 4, READS = 8, WRITES = 16, MODIFIES_STATE = 32, WAITS = 128,
    SKIPPARSERESET = 256,
    GENERIC_E = 0, GENERIC_X = 1,
    -- more than there are event types
    CODES = 512,
}

local SIGNED = { int8 = true, int16 = true, int32 = true, int64 = true, errno = true, fd = true, pid = true }
local FIRST_STATE = 0xF000

-- Feed the state tables although the schema does not say so: listen, setpgid.
local ALSO_MODIFY = { [25] = true, [295] = true }
-- With enter events: writes, of which sysdig keeps track whatever the filter says.
local ALSO_KEPT = { [8] = true, [9] = true }

-- sysdig has no thread for these; live ones tell it
local WITH_THREAD = { page_fault = true, procinfo = true }

local function has(info, flag)
    return bit.band(info.flags, flag) ~= 0
end

local function return_index(info)
    local first = info.params[1]
    if not info.is_exit or not first then return -1 end
    if first.name == "res" or (first.name == "fd" and has(info, M.CREATES_FD)) then return 0 end
    return -1
end

-- The parameter named fd, else the first of type fd; the return value does not count.
local function used_fd_index(info)
    if not has(info, M.USES_FD) then return -1 end
    local found = -1
    for i, param in ipairs(info.params) do
        local candidate = param.type == "fd" and i - 1 ~= info.res_index
        if candidate and param.name == "fd" then return i - 1 end
        if candidate and found < 0 then found = i - 1 end
    end
    return found
end

local function complete(code, info)
    info.is_exit = code < FIRST_STATE and code % 2 == 1
    info.exists = info.name:sub(1, 2) ~= "NA"
    info.res_index = return_index(info)
    info.fd_index = used_fd_index(info)
    info.modifies = has(info, M.MODIFIES_STATE) or (dialect.paired and ALSO_KEPT or ALSO_MODIFY)[code] or false
    info.no_thread = has(info, M.SKIPPARSERESET) and not (not dialect.paired and WITH_THREAD[info.name])
    info.signed, info.index = {}, {}
    for i, param in ipairs(info.params) do
        info.signed[i - 1] = SIGNED[param.type] or false
        if not info.index[param.name] then info.index[param.name] = i - 1 end
    end
end

for code, info in pairs(schema.events) do complete(code, info) end

M.events = schema.events

-- Event type -> `of(type)`, false for none, as an array: what is looked up for every event should not be searched for.
function M.array(of)
    local by_code = {}
    for code = 0, M.CODES - 1 do by_code[code] = of(code) or false end
    return by_code
end

M.by_code = M.array(function(code) return schema.events[code] end)

-- Parameter positions of the event type with this upper-case id: name -> 0-based index, and its code.
function M.layout(id)
    for code, info in pairs(schema.events) do
        if info.id == id and (info.is_exit or code >= FIRST_STATE or id:sub(-2) == "_E") then
            return info.index, code
        end
    end
    error("no event type " .. id)
end

-- Every layout of the calls that make a thread or process.
M.BIRTHS = {
    "CLONE_11", "CLONE_16", "CLONE_17", "CLONE_20", "CLONE3", "FORK", "FORK_17", "FORK_20", "VFORK", "VFORK_17",
    "VFORK_20",
}

return M
