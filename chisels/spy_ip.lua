-- The data that processes exchange with one IP address.
--
--   sysdig-py -c spy_ip "10.0.2.3 disable_colors"
--
--   ------ Write 78B
--   GET / HTTP/1.1..Host: www.example.com..User-Agent: curl/7.88.1..Accept: */*....
--   ------ Read 5.90KB
--   HTTP/1.1 200 OK..Date: Fri, 17 Aug 2018 17:35:48 GMT..

local color = require "color_option"
local conversation = require "conversation"

description = "Shows the data of the network connections with the given IP address. Writes are blue, reads red."
short_description = "Show the data exchanged with the given IP address"
category = "Net"

args = {
    { name = "host_ip", argtype = "ipv4", description = "The remote host IP address" },
    color.argument,
}

local wanted

function on_set_arg(name, value)
    if not color.take(name, value) then
        wanted = value
    end
    return true
end

function on_init()
    return conversation.init("fd.ip=" .. wanted)
end

on_event = conversation.on_event
on_capture_end = conversation.on_capture_end
