-- Durations of spans (tracers) as statsd metrics, one line each: what a statsd server takes over UDP.
--
--   sysdig-py -c tracers_2_statsd | while read -r line; do printf '%s' "$line" > /dev/udp/127.0.0.1/8125; done
--
--   login.database:3.25|ms
--   login:12.4|ms

description = "Prints the duration of every span that ends as a statsd timer, its tags as the metric's name. sysdig's "
    .. "chisel of this name sends them to a server; chisels have no network here, so pipe the lines to where they are "
    .. "to go."
short_description = "Durations of spans as statsd metrics"
category = "Tracers"

args = {
    {
        name = "server_addr", argtype = "string", optional = true,
        description = "Taken for the sake of old command lines; nothing is sent",
    },
    { name = "server_port", argtype = "string", optional = true, description = "The same" },
}

local NS_PER_MS = 1000000

local tags, duration

function on_set_arg()
    return true
end

function on_init()
    tags, duration = chisel.request_field("span.tags"), chisel.request_field("span.duration")
    chisel.set_filter("evt.type=tracer and evt.dir=<")
    return true
end

-- What statsd takes for marks of its own cannot be in a name.
local function metric(text)
    return (text:gsub("[:|@%s]", "_"))
end

function on_event()
    local ns = evt.field(duration)
    if ns then
        print(("%s:%.14g|ms"):format(metric(evt.field(tags) or ""), ns / NS_PER_MS))
    end
    return false
end
