-- What around, spy_logs and spy_syslog share: a second run that saves the events around chosen ones.
-- luacheck: read globals parse_numeric_input

require "common"

local M = {}

M.arguments = {
    {
        name = "dump_file_name", argtype = "string", optional = true,
        description = "The name of the file to which the events around every line shown are written",
    },
    {
        name = "dump_range_ms", argtype = "int", optional = true,
        description = "How many milliseconds before and after every line are written (default 1000)",
    },
}

local file
local range_ms = 1000
local marks = {}

-- To be called by on_set_arg; returns whether it was one of the arguments.
function M.take(name, value)
    if name == "dump_file_name" then
        file = value
    elseif name == "dump_range_ms" then
        range_ms = parse_numeric_input(value, name)
    else
        return false
    end
    return true
end

-- To be called by on_capture_start: only a trace can be read twice.
function M.start()
    if file and sysdig.is_live() then
        print("The events around others can only be saved when reading a trace.")
        return false
    end
    return true
end

-- Save what the thread of this event does around it.
function M.mark(tid)
    if file then
        local time = sysdig.make_ts(evt.get_ts())
        marks[#marks + 1] = ("(evt.around[%s]=%d and thread.tid=%d)"):format(time, range_ms, tid)
    end
end

-- Ask for the second run; `line` is printed with the number of marks and the file's name.
function M.finish(line)
    if not file then
        return
    end
    print((line:gsub("%%[NF]", { ["%N"] = tostring(#marks), ["%F"] = file })))
    if #marks > 0 then
        sysdig.run_app(("-F -r%s -w%s %s"):format(sysdig.get_evtsource_name(), file, table.concat(marks, " or ")))
    end
end

return M
