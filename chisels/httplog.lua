-- A log of HTTP requests: of the servers and of the clients on this machine.
--
--   sysdig-py -c httplog
--
--   2018-08-17 17:35:48.586317233 > method=GET url=www.google.com/ response_code=200 latency=37ms size=0B
--
-- < is a request that a server read, > one that a client wrote. The size is the answer's Content-Length.
-- luacheck: read globals clean http_init run_http_parser

require "common"
require "http"

description = "Shows the HTTP/1 requests that processes answer or make, with the code, the latency and the size of the "
    .. "answer. With -pc the container is shown."
short_description = "HTTP requests log"
category = "Application"

args = {}

local NS_PER_MS = 1000000

local with_container
local time

function on_init()
    with_container = sysdig.is_print_container_data()
    time = chisel.request_field("evt.datetime")
    http_init()
    return true
end

local function print_transaction(transaction)
    local request, response = transaction.request, transaction.response
    local where = with_container and " " .. transaction.container or ""
    print(("%s%s %s method=%s url=%s response_code=%d latency=%dms size=%dB"):format(evt.field(time), where,
        transaction.dir, request.method, clean(request.url), response.code,
        (response.ts - request.ts) / NS_PER_MS, response.length))
end

function on_event()
    run_http_parser(evt, print_transaction)
    return true
end
