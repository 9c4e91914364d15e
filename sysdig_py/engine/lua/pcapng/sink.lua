-- Events as packets. Each conversation is shown once, as one of its ends saw it: the end whose event came first.
local blocks = require("pcapng.blocks")
local conversations = require("conversations")
local decode = require("decode")
local ev = require("ev")
local fds = require("state.fds")
local io = require("fields.evt_io")
local labels = require("pcapng.labels")
local packets = require("pcapng.packets")
local address = require("state.address")
local sinks = require("sinks")
local sockets = require("state.sockets")
local tcp = require("pcapng.tcp")
local threads = require("state.threads")

local M = {}

local READS = 8
local EINPROGRESS, ECONNREFUSED, ECONNRESET, EISCONN, EALREADY = -115, -111, -104, -106, -114
local SHUT_READ = 0
local LARGEST_DATAGRAM = 65507
local counts = { packets = 0, conversations = 0, unix = 0, other = 0, failed = 0 }

-- Where and when the packets of the current event are, and what is said about them.
local at = { INBOUND = blocks.INBOUND, OUTBOUND = blocks.OUTBOUND }

-- A packet was written; what is known of the process is said in full with the first of a conversation.
function at:next()
    counts.packets = counts.packets + 1
    self.comment = labels.short()
end

local book = conversations.new("conversation", function(conversation, fd)
    conversation.seen_by_client = conversations.is_client(conversation, fd)
    conversation.is_new = true
    counts.conversations = counts.conversations + 1
    if conversation.l4 == "tcp" then tcp.begin(conversation) end
end)

-- The conversation of an fd, with `at` made ready; nil when the other end tells about it.
local function conversation_of(fd)
    local conversation = book:find(fd)
    local is_client = conversations.is_client(conversation, fd)
    if is_client ~= conversation.seen_by_client then return nil end
    at.interface, at.ns, at.is_client = labels.interface(), ev.ts(), is_client
    at.comment = conversation.is_new and labels.long() or labels.short()
    conversation.is_new = false
    return conversation, is_client
end

local function datagram(c, from_client, payload, available, size)
    at.direction = from_client == at.is_client and at.OUTBOUND or at.INBOUND
    size = math.min(size, LARGEST_DATAGRAM)
    if from_client then
        packets.udp(at, c.sip, c.sport, c.dip, c.dport, payload, available, size)
    else
        packets.udp(at, c.dip, c.dport, c.sip, c.sport, payload, available, size)
    end
    at:next()
end

local function transfer(c, from_client, size)
    local payload, available = io.payload()
    if c.l4 == "udp" then return datagram(c, from_client, payload, available, size) end
    if size > 0 then tcp.data(c, at, from_client, payload, math.min(available, size), size) end
end

-- What is not shown as packets, so that it can be told.
local function leave_out(fd, size)
    if size == 0 then return end
    if fd.type == fds.UNIX then
        counts.unix = counts.unix + 1
    elseif sockets.is_ip(fd) or fd.type == fds.NETLINK then
        counts.other = counts.other + 1
    end
end

local function moved()
    local fd, written = ev.fd, io.written()
    local size = written or io.moved(READS)
    if not size then return end
    if not conversations.is_end(fd) then return leave_out(fd, size) end
    local c, is_client = conversation_of(fd)
    if not c then return end
    if size > 0 or c.l4 == "udp" then
        transfer(c, (written ~= nil) == is_client, size)
    elseif not written then
        -- the end of what the other one has to say
        tcp.finish(c, at, not is_client)
    end
end

local function broken()
    if ev.res ~= ECONNRESET or not conversations.is_end(ev.fd) then return end
    local c, is_client = conversation_of(ev.fd)
    if c and c.l4 == "tcp" then tcp.reset(c, at, not is_client) end
end

-- The ends of a connection that failed; they are not the fd's, and the kernel may have taken the port back.
local function wanted()
    local i = ev.info.index.tuple
    local family, sip, sport, dip, dport
    if i then family, sip, sport, dip, dport = decode.tuple(i) end
    if not family or not dip or sport == 0 then return nil end
    local fd = { l4 = "tcp", role = "client", listener = false, sip = address.unmapped(sip), sport = sport,
        dip = address.unmapped(dip), dport = dport }
    return conversations.is_end(fd) and fd or nil
end

local handlers = {}

function handlers.connect()
    local res, fd = ev.res, ev.fd
    if not res or not fd or fd.l4 ~= "tcp" then return end
    local is_refused = res == ECONNREFUSED
    local own = is_refused and wanted() or fd
    if not conversations.is_end(own) then
        if res < 0 and res ~= EALREADY then counts.failed = counts.failed + 1 end
        return
    end
    local c = conversation_of(own)
    if not c then return end
    if is_refused then
        tcp.ask(c, at)
        tcp.reset(c, at, false)
    elseif res == EINPROGRESS then
        tcp.ask(c, at)
    elseif res == 0 or res == EISCONN then
        tcp.make(c, at)
    end
end

function handlers.accept()
    local fd = ev.fd
    if not ev.res or ev.res < 0 or not fd or fd.l4 ~= "tcp" or not conversations.is_end(fd) then return end
    local c = conversation_of(fd)
    if c then tcp.make(c, at) end
end
handlers.accept4 = handlers.accept

local function holds(entries, conversation, role, but)
    for num, fd in pairs(entries or {}) do
        if fd.conversation == conversation and fd.role == role and num ~= but then return true end
    end
    return false
end

-- Whether parent, children or siblings have the end too: a process that was forked has all its parent's descriptors.
local function is_held_elsewhere(conversation, role)
    local own = ev.thread.main
    if not own then return false end
    for _, thread in pairs(threads.by_tid) do
        local is_kin = thread.ptid == own.pid or thread.pid == own.ptid or (own.ptid > 1 and thread.ptid == own.ptid)
        if is_kin and thread.fds ~= own.fds and holds(thread.fds, conversation, role) then return true end
    end
    return false
end

local function closed(fd, but)
    local conversation = fd.conversation
    if not conversation or not conversations.is_end(fd) or conversation.l4 ~= "tcp" then return end
    if but and holds(ev.thread.fds, conversation, fd.role, but) then return end
    if is_held_elsewhere(conversation, fd.role) then return end
    local c, is_client = conversation_of(fd)
    if not c then return end
    tcp.finish(c, at, is_client)
    c.over = true
end

function handlers.close()
    if ev.fd and ev.is_exit and ev.res == 0 then closed(ev.fd, ev.fdnum) end
end

function handlers.shutdown()
    local fd, how = ev.fd, ev.info.index.how
    if not fd or ev.res ~= 0 or fd.l4 ~= "tcp" or not conversations.is_end(fd) then return end
    if how and decode.num(how) == SHUT_READ then return end
    local c, is_client = conversation_of(fd)
    if c then tcp.finish(c, at, is_client) end
end

-- The kernel closes what an ended process had open.
function handlers.procexit()
    local thread = ev.thread
    if thread.main ~= thread then return end
    for _, fd in pairs(thread.fds or {}) do closed(fd) end
end

local function on_event()
    local handler = handlers[ev.name]
    if handler then return handler() end
    if not ev.fd or not ev.is_exit then return end
    if ev.res and ev.res < 0 then return broken() end
    moved()
end

-- Make packets of all events from now on.
function M.start()
    sinks.add({ on_event = on_event })
end

M.take = blocks.take

-- What was made, and what was left out.
function M.counts()
    return counts.packets, counts.conversations, counts.unix, counts.other, counts.failed
end

return M
