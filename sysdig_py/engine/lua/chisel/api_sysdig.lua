-- The `sysdig` library: the run as a whole, the machine, and the tables of threads and containers.

local ev = require("ev")
local control = require("control").control
local filters = require("chisel.filters")
local host = require("host")
local overhead = require("state.overhead")
local tables = require("chisel.tables")
local timestamp = require("chisel.timestamp")

local M = {}

local BUFFER_FORMATS = {
    normal = "normal", json = "normal", simple = "normal", hex = "hex", hexascii = "hexascii", ascii = "ascii",
    base64 = "base64", jsonbase64 = "base64",
}
local MAX_SNAPLEN = 65535
local SEVERITIES = { debug = true, info = true, warning = true, error = true, critical = true }

local function add_settings(sysdig, self, run)
    -- events the whole run sees; fails when there is a filter already
    function sysdig.set_filter(text)
        if run.options.filter ~= "" then
            error("invalid filter in chisel " .. self.name .. ": filter can only be set once", 2)
        end
        run.set_filter(filters.compile(run.callbacks, text, "invalid filter in chisel " .. self.name), text)
    end

    -- bytes kept of every I/O buffer; live only
    function sysdig.set_snaplen(bytes)
        local wanted = tonumber(bytes)
        if not (wanted and wanted >= 0 and wanted <= MAX_SNAPLEN) then
            error("sysdig.set_snaplen needs a number from 0 to " .. MAX_SNAPLEN, 2)
        end
        run.requests.snaplen = math.max(run.requests.snaplen or 0, wanted)
    end

    -- how buffers are shown; ignored when the command line chose already
    function sysdig.set_output_format(name)
        if not BUFFER_FORMATS[name] then
            error("unknown output format " .. tostring(name), 2)
        end
        run.set_buffer_format(BUFFER_FORMATS[name])
    end

    -- nothing to switch: written traces always keep the events that state is made of
    function sysdig.set_fatfile_dump_mode()
        return nil
    end

    -- stop after the current on_event
    function sysdig.end_capture()
        run.stop()
    end

    -- run sysdig-py once more with these words after this run
    function sysdig.run_app(words)
        run.requests.run_app = tostring(words)
    end
    sysdig.run_sysdig = sysdig.run_app -- its older name

    -- message for the debug log; severity debug, info, warning, error or critical
    function sysdig.log(message, severity)
        severity = severity or "info"
        if not SEVERITIES[severity] then
            error("unknown severity " .. tostring(severity), 2)
        end
        run.log(severity, self.name .. ": " .. tostring(message))
    end
end

local function add_facts(sysdig, run)
    local options = run.options

    -- whether events come from this machine now
    function sysdig.is_live()
        return host.is_live
    end

    -- whether output goes to a terminal
    function sysdig.is_tty()
        return run.callbacks.is_tty() and true or false
    end

    -- {width, height} of the terminal; -1, -1 without one
    function sysdig.get_terminal_info()
        if not run.callbacks.is_tty() then
            return { width = -1, height = -1 }
        end
        local width, height = run.callbacks.window()
        return { width = tonumber(width), height = tonumber(height) }
    end

    -- text of the run's filter, "" when there is none
    function sysdig.get_filter()
        return options.filter
    end

    -- {num_cpus, memory_size_bytes, max_pid, hostname} of the machine the events come from
    function sysdig.get_machine_info()
        local machine = host.machine
        return {
            num_cpus = machine.num_cpus,
            memory_size_bytes = machine.memory_size_bytes,
            max_pid = machine.max_pid,
            hostname = machine.hostname,
        }
    end

    -- whether -pc was given
    function sysdig.is_print_container_data()
        return options.container_data
    end

    -- "json" with -j, else "normal"
    function sysdig.get_output_format()
        return options.json and "json" or "normal"
    end

    -- file being read, "" live
    function sysdig.get_evtsource_name()
        return host.source_name
    end

    -- number of events of this source that were lost up to now
    function sysdig.get_lost_events()
        return control.lost
    end

    -- number of calls of this source that were left out and only counted up to now (--max-overhead)
    function sysdig.get_counted_events()
        return overhead.counted
    end

    -- what --max-overhead leaves out now, 0 nothing to 4 all that can be, and the most that it has left out
    function sysdig.get_overhead_step()
        return overhead.step, overhead.highest
    end

    -- percent of the file that was read; 0 live
    function sysdig.get_read_progress()
        return run.progress
    end
end

local function add_times(sysdig, run)
    -- time of the first event, ns since the epoch as text; "0" before it
    function sysdig.get_firstevent_ts()
        if not run.gate.open then
            return "0"
        end
        return timestamp.decimal(ev.first_ts())
    end

    -- time of the current event, ns since the epoch as text; "0" before the first
    function sysdig.get_lastevent_ts()
        if not run.gate.open then
            return "0"
        end
        return timestamp.make(ev.time())
    end

    -- seconds and nanoseconds as one time text
    sysdig.make_ts = timestamp.make
    -- sum of two time texts
    sysdig.add_ts = timestamp.add
    -- difference of two time texts, signed
    sysdig.subtract_ts = timestamp.subtract
end

local function add_tables(sysdig, self, run)
    local function reader(name, options)
        sysdig[name] = function(text)
            return tables.threads(run, self.name, name, text, options)
        end
    end
    -- all threads by tid, with their fds
    reader("get_thread_table", { fds = true, facts = true })
    -- all threads by tid, without fds
    reader("get_thread_table_nofds", { fds = false, facts = true })
    -- tid, pid and fd numbers only
    reader("get_thread_table_barebone", { fds = true, facts = false })
    -- tid and pid only
    reader("get_thread_table_barebone_nofds", { fds = false, facts = false })

    -- list of {id, name, image, type} of the containers seen
    sysdig.get_container_table = tables.containers
end

local function add_refusals(sysdig)
    local function refuse(name)
        sysdig[name] = function()
            error("sysdig." .. name .. ": sending over the network is not available to chisels", 2)
        end
    end
    -- not available: chisels send nothing over the network
    refuse("udp_setpeername")
    -- not available: chisels send nothing over the network
    refuse("udp_send")
end

-- Return the library for the chisel `self` of a run.
function M.new(self, run)
    local sysdig = {}
    add_settings(sysdig, self, run)
    add_facts(sysdig, run)
    add_times(sysdig, run)
    add_tables(sysdig, self, run)
    add_refusals(sysdig)
    return sysdig
end

return M
