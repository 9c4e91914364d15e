-- The data that processes exchange with one port.
--
--   sysdig-py -c spy_port "80 disable_colors"
--
--   ------ Write 78B
--   GET / HTTP/1.1..Host: www.example.com..User-Agent: curl/7.88.1..Accept: */*....
--   ------ Read 5.90KB
--   HTTP/1.1 200 OK..Date: Fri, 17 Aug 2018 17:35:48 GMT..
-- luacheck: read globals parse_numeric_input

require "common"
local color = require "color_option"
local conversation = require "conversation"

description = "Shows the data of the network connections with the given port. Writes are blue, reads red."
short_description = "Show the data exchanged with the given port"
category = "Net"

args = {
    { name = "host_port", argtype = "int", description = "The remote host port number" },
    color.argument,
}

local wanted

function on_set_arg(name, value)
    if not color.take(name, value) then
        wanted = parse_numeric_input(value, name)
    end
    return true
end

function on_init()
    return conversation.init("fd.port=" .. wanted)
end

on_event = conversation.on_event
on_capture_end = conversation.on_capture_end
