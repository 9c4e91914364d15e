-- Transformers of filter fields: tolower, toupper, basename, len, b64 (decodes), concat, join. No value in, no value
-- out; a filter that uses them makes a text per event.
local M = {}

local char = string.char

function M.tolower(v) return v and v:lower() end
function M.toupper(v) return v and v:upper() end
function M.len(v) return v and #v or 0 end

function M.basename(v)
    return v and v:match("[^/]*$")
end

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local VALUE = {}
for i = 1, #ALPHABET do VALUE[ALPHABET:sub(i, i)] = i - 1 end

-- Bytes of up to four base64 digits.
local function decode_group(group)
    local bits = 0
    for i = 1, 4 do bits = bits * 64 + (VALUE[group:sub(i, i)] or 0) end
    local bytes = char(math.floor(bits / 65536), math.floor(bits / 256) % 256, bits % 256)
    return bytes:sub(1, #group - 1)
end

-- What a base64 text stands for; no value when it is not base64.
function M.b64(v)
    if not v then return nil end
    local digits = v:gsub("=+$", "")
    if digits:find("[^%w+/]") or #digits % 4 == 1 then return nil end
    return (digits:gsub("..?.?.?", decode_group))
end

function M.concat(...)
    for i = 1, select("#", ...) do
        if select(i, ...) == nil then return nil end
    end
    return table.concat({ ... })
end

function M.join(separator, ...)
    local parts = {}
    for i = 1, select("#", ...) do
        local part = select(i, ...)
        if part == nil then return nil end
        parts[i] = part
    end
    return table.concat(parts, separator)
end

return M
