-- What is known of the file that a process runs and of the rights it has, wherever it is told: exec events, capset, the
-- list of processes that a trace begins with. Parameters that a stream does not have leave things as they are.
local bit = require("bit")
local decode = require("decode")
local straight = require("straight")

local M = {}

local num, u64 = decode.num, decode.u64
local band = bit.band
local FLAGS = { exe_writable = 1, exe_upper_layer = 2, exe_from_memfd = 4, exe_lower_layer = 8 }
local NUMBERS = {
    exe_ino = { "exe_ino" }, cap_inheritable = { "cap_inheritable" }, cap_permitted = { "cap_permitted" },
    cap_effective = { "cap_effective" },
}
-- times in ns, more than a Lua number holds
local TIMES = {
    exe_ctime = { "exe_ino_ctime", "exe_ctime" }, exe_mtime = { "exe_ino_mtime", "exe_mtime" },
    pidns_start = { "pidns_init_start_ts" },
}


local function add_reads(code, at, names, read)
    for field, given in pairs(names) do
        for _, name in ipairs(given) do
            if at[name] then code:add("value = %s(%d) if value then thread.%s = value end", read, at[name], field) end
        end
    end
end

local function make_taker(at, flags)
    local code = straight.new("thread")
    code:add("local value")
    add_reads(code, at, NUMBERS, code:name(num))
    add_reads(code, at, TIMES, code:name(u64))
    if flags then
        code:add("local bits = %s(%d) if not bits then return end", code:name(num), flags)
        for field, mask in pairs(FLAGS) do code:add("thread.%s = %s(bits, %d) ~= 0", field, code:name(band), mask) end
    end
    return code:load("program")
end

-- positions of parameters -> what takes them
local takers = {}

-- Take what the event or record in hand tells; `at`: positions of its parameters, `flags`: which one has the bits.
function M.take(thread, at, flags)
    local taker = takers[at]
    if not taker then
        taker = make_taker(at, flags)
        takers[at] = taker
    end
    taker(thread)
end

-- Give a child what its parent has.
function M.inherit(child, parent)
    child.exe_writable, child.exe_upper_layer = parent.exe_writable, parent.exe_upper_layer
    child.exe_from_memfd, child.exe_lower_layer = parent.exe_from_memfd, parent.exe_lower_layer
    child.exe_ino, child.exe_ctime, child.exe_mtime = parent.exe_ino, parent.exe_ctime, parent.exe_mtime
    child.cap_inheritable, child.cap_permitted = parent.cap_inheritable, parent.cap_permitted
    child.cap_effective, child.pidns_start = parent.cap_effective, parent.pidns_start
end

return M
