-- Names behind numbers and paths behind relative ones: what the readable form of an argument is made of.
local bit = require("bit")
local dialect = require("dialect")
local ev = require("ev")
local decode = require("decode")
local memo = require("fields.memo")
local path = require("state.path")
local schema = require("schema_data")
local fdtext = require("render.fd")

local M = {}

local byte, concat = string.byte, table.concat
local SLASH = 47
local IS_SCAP = dialect.paired

-- Name of the errno behind a negative result; nil when there is none.
function M.errno(value)
    return value < 0 and schema.errno[-value] or nil
end

-- Spelled-out flags: an entry equal to the whole value ends the walk, otherwise every entry whose bits are all left
-- takes them away; the zero entry stands for 0 only. false when no entry fits.
local function flag_names(rows, value)
    local left, names = value, {}
    for i = 1, #rows do
        local name, bits = rows[i][1], rows[i][2]
        if bits == value then
            names[#names + 1] = name
            break
        elseif bits ~= 0 and bit.band(left, bits) == bit.tobit(bits) then
            names[#names + 1] = name
            left = bit.band(left, bit.bnot(bits))
        end
    end
    return #names > 0 and concat(names, "|")
end
M.flag_names = flag_names

local flag_memories = {}

-- Function value -> spelled-out flags of the set `name` of the schema, false when none fits; nil for an unknown set.
function M.flags(name)
    local rows = schema.flags[name]
    if not rows then return nil end
    local known = flag_memories[name] or memo.one(function(value) return flag_names(rows, value) end)
    flag_memories[name] = known
    return known
end

-- Names of the signals of a set.
M.signals = memo.one(function(set)
    local names = {}
    for signal = 1, 32 do
        if bit.band(bit.rshift(set, signal - 1), 1) == 1 then names[#names + 1] = schema.signals[signal] end
    end
    return concat(names, " ")
end)

-- Directory a relative path starts from, nil when it is not known; `dirfd` is the parameter that names it.
local function base_of(dirfd)
    local num = dirfd and ev.info.params[dirfd + 1].type == "fd" and decode.int(dirfd)
    if not num or num == fdtext.AT_FDCWD then
        local cwd = ev.thread.cwd
        return cwd ~= "./" and cwd or nil
    end
    local fd = ev.thread.fds and num >= 0 and ev.thread.fds[num]
    if fd and fd.name ~= "" then return fd.name .. "/" end
    return IS_SCAP and "" or nil
end

local joined = memo.two(path.join)

-- Absolute form of a relative path, nil when it is none or its start is not known.
function M.resolved_path(text, dirfd)
    if text == "<NA>" or byte(text, 1) == SLASH or (text == "" and not IS_SCAP) then return nil end
    local base = base_of(dirfd)
    local full = base and joined(base, text)
    return full ~= "" and full or nil
end

return M
