-- The `evt` library: the current event. `evt.field(handle)` is two table loads and a call, so LuaJIT
-- compiles it into the loop that runs the chisel.

local ev = require("ev")

local M = {}

-- Return the library for one run; `gate.open` becomes true with the first event.
function M.new(gate)
    local evt = {}

    local function need_event(name)
        if not gate.open then
            error("invalid call to evt." .. name .. "(): there is no event yet", 3)
        end
    end

    -- value of a requested field for the current event; nil when the event has none
    function evt.field(handle)
        if handle == nil then
            return nil
        end
        if not gate.open then
            need_event("field")
        end
        return handle.get()
    end

    -- number of the event, from 1, counting all events of the source
    function evt.get_num()
        need_event("get_num")
        return ev.num
    end

    -- time of the event: seconds, nanoseconds
    function evt.get_ts()
        need_event("get_ts")
        return ev.time()
    end

    -- type name; a generic event has its system call's name
    function evt.get_type()
        need_event("get_type")
        return ev.name
    end

    -- CPU the event happened on
    function evt.get_cpuid()
        need_event("get_cpuid")
        return ev.cpu
    end

    return evt
end

return M
