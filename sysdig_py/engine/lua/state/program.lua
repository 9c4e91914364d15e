-- What is known of the file that a process runs and of the rights it has, wherever it is told: exec events, capset, the
-- list of processes that a trace begins with. Parameters that a stream does not have leave things as they are.
local bit = require("bit")
local decode = require("decode")

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

-- all that a child has from its parent
M.INHERITED = { "exe_writable", "exe_upper_layer", "exe_from_memfd", "exe_lower_layer", "exe_ino", "exe_ctime",
    "exe_mtime", "cap_inheritable", "cap_permitted", "cap_effective", "pidns_start" }

local function each(thread, at, names, read)
    for field, given in pairs(names) do
        for i = 1, #given do
            local value = at[given[i]] and read(at[given[i]])
            if value then thread[field] = value end
        end
    end
end

-- Take what the event or record in hand tells; `at`: positions of its parameters, `flags`: which one has the bits.
function M.take(thread, at, flags)
    each(thread, at, NUMBERS, num)
    each(thread, at, TIMES, u64)
    local bits = flags and num(flags)
    if not bits then return end
    for field, mask in pairs(FLAGS) do thread[field] = band(bits, mask) ~= 0 end
end

-- Give a child what its parent has.
function M.inherit(child, parent)
    for i = 1, #M.INHERITED do
        local key = M.INHERITED[i]
        child[key] = parent[key]
    end
end

return M
