-- A chisel's error as the user should read it: message, and the traceback without the engine's frames.

local M = {}

local traceback = debug.traceback

-- Keep the frames from the chisel's files, and the C functions called from them.
function M.cut(trace, chunks)
    local kept, pending = {}, {}
    for line in trace:gmatch("[^\n]+") do
        local chunk = line:match("^%s+(.-):%d+:")
        if line:match("^%s+%[C%]:") then
            pending[#pending + 1] = line
        elseif chunk and (chunks[chunk] or chunk:match("^%[string ")) then
            for _, before in ipairs(pending) do
                kept[#kept + 1] = before
            end
            pending = {}
            kept[#kept + 1] = line
        else
            pending = {}
        end
    end
    return table.concat(kept, "\n")
end

-- Of a table only that it is one: its own way to become text might not come to an end.
local function text_of(err)
    local kind = type(err)
    if kind == "table" or kind == "userdata" then return "the error is a " .. kind .. ", not text" end
    return tostring(err)
end

-- Return a handler for xpcall that turns an error into a failure table {message, traceback}.
function M.handler(chunks)
    return function(err)
        if type(err) == "table" and rawget(err, "is_exit") then
            return err
        end
        return { message = text_of(err), traceback = M.cut(traceback("", 2), chunks) }
    end
end

-- Return the failure as the text shown to the user.
function M.text(failure)
    local text = ("chisel %s failed in %s: %s"):format(failure.chisel, failure.where, failure.message)
    if failure.traceback ~= "" then
        text = text .. "\n" .. failure.traceback
    end
    return text
end

return M
