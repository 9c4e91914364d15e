-- Arguments of the current event as text, by sysdig's rules. Only sinks that print come here.
local ev = require("ev")
local decode = require("decode")
local written = require("written")
local arguments = require("render.arguments")
local fdtext = require("render.fd")
local kinds = require("render.kinds")
local names = require("render.names")

local M = {
    clean = fdtext.clean,
    errno_name = names.errno,
    flag_names = names.flag_names,
    resolved_path = names.resolved_path,
    put_arguments = arguments.put,
}

-- Append the readable form of parameter i (0-based), else its plain form; false when the event does not have it.
function M.put_argument(buf, i)
    local spec = ev.info.params[i + 1]
    if not spec or i >= decode.nparams() then return false end
    local p, len = decode.param(i)
    if not p then
        buf:put(kinds.WHEN_EMPTY[spec.type] or "")
        return true
    end
    local writer = kinds.of(spec)
    if writer.readable and writer.readable(buf, "", "", p, len, i) then return true end
    writer.plain(buf, p, len, i)
    return true
end

-- The same as texts.
M.argument = written.text_of(M.put_argument)
M.arguments = written.text_of(M.put_arguments)

return M
