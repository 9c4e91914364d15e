-- Joining of paths as the kernel reports them: base + name, with `.`, `..` and `//` resolved by text alone.
local ffi = require("ffi")

local M = {}

local C = ffi.C

local LIMIT = 1024
local TOO_LONG = "/PATH_TOO_LONG"
local SLASH, DOT = 47, 46
local byte, sub, gsub, concat = string.byte, string.sub, string.gsub, table.concat

ffi.cdef [[
size_t strspn(const char *, const char *);
char *strstr(const char *, const char *);
]]

local PRINTABLE = ""
for c = 32, 126 do PRINTABLE = PRINTABLE .. string.char(c) end

-- By libc and not by a loop or a pattern, which would end the trace of every event with a path.
local function is_printable(text)
    return tonumber(C.strspn(text, PRINTABLE)) == #text
end
M.is_printable = is_printable

-- Whether a text needs no work: printable, no empty or dot component, no trailing slash.
local function is_plain(text)
    return is_printable(text) and C.strstr(text, "//") == nil and C.strstr(text, "/.") == nil
        and byte(text, -1) ~= SLASH and byte(text, 1) ~= DOT
end

local function components(text)
    local parts, n, start = {}, 0, 1
    for i = 1, #text + 1 do
        if i > #text or byte(text, i) == SLASH then
            local part = sub(text, start, i - 1)
            if part == ".." then
                if n > 0 then n = n - 1 end
            elseif part ~= "" and part ~= "." then
                n = n + 1
                parts[n] = part
            end
            start = i + 1
        end
    end
    return parts, n
end

local function resolved(text)
    local parts, n = components(text)
    local joined = concat(parts, "/", 1, n)
    if byte(text, 1) == SLASH then joined = "/" .. joined end
    return (gsub(joined, "[^\32-\126]", "."))
end

-- `base` ends with a slash; a name that starts with one stands alone.
function M.join(base, name)
    local text = name
    if byte(name, 1) ~= SLASH then text = base .. name end
    if #text > LIMIT then return TOO_LONG end
    if is_plain(text) then return text end
    return resolved(text)
end

-- The same with a slash at the end: what a working directory looks like.
function M.directory(base, name)
    local text = M.join(base, name)
    if byte(text, -1) == SLASH then return text end
    return text .. "/"
end

return M
