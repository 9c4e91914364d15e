-- TCP connections as the segments that must have been sent: a handshake where the connection was made, data as the
-- process at one end read and wrote it, an end where it was closed. Sequence numbers count what was moved, so they have
-- no holes; a connection that is older than the trace begins in the middle.
local packets = require("pcapng.packets")

local M = {}

local SYN, ACK, FIN, RST, PSH = packets.SYN, packets.ACK, packets.FIN, packets.RST, packets.PSH
local LARGEST, WRAP = packets.LARGEST, 4294967296
local OLD, ASKED, MADE = 0, 1, 2
local MOST = 0x7FFFF000 -- Linux moves no more than that in one call (MAX_RW_COUNT)
local FIRST_STEP = 64008 -- apart, so that ports in use again do not look like a retransmission

local next_first = 1

-- What is kept of a connection: the number of the next byte of either end, and how far it is.
function M.begin(conversation)
    conversation.client_seq, conversation.server_seq = next_first, (next_first + 32004) % WRAP
    next_first = (next_first + FIRST_STEP) % WRAP
    conversation.phase, conversation.client_fin, conversation.server_fin = OLD, false, false
end

-- A segment of `size` bytes from the client or the server; control flags that count as a byte are in `flags`.
local function segment(c, at, from_client, flags, payload, available, size)
    at.direction = from_client == at.is_client and at.OUTBOUND or at.INBOUND
    local counted = size + (flags % 4 >= 1 and 1 or 0) -- FIN and SYN are the lowest bits
    if from_client then
        local ack = flags >= ACK and c.server_seq or 0
        packets.tcp(at, c.sip, c.sport, c.dip, c.dport, c.client_seq, ack, flags, payload, available, size)
        c.client_seq = (c.client_seq + counted) % WRAP
    else
        local ack = flags >= ACK and c.client_seq or 0
        packets.tcp(at, c.dip, c.dport, c.sip, c.sport, c.server_seq, ack, flags, payload, available, size)
        c.server_seq = (c.server_seq + counted) % WRAP
    end
end

local function signal(c, at, from_client, flags)
    segment(c, at, from_client, flags, nil, 0, 0)
    at:next()
end

-- The client asked for the connection.
function M.ask(c, at)
    if c.phase ~= OLD or c.client_fin or c.server_fin then return end
    c.phase = ASKED
    signal(c, at, true, SYN)
end

-- The connection was made.
function M.make(c, at)
    M.ask(c, at)
    if c.phase ~= ASKED then return end
    c.phase = MADE
    signal(c, at, false, SYN + ACK)
    signal(c, at, true, ACK)
end

-- The server refused it, or one end broke it off.
function M.reset(c, at, from_client)
    if c.over then return end
    signal(c, at, from_client, RST + ACK)
    c.over = true
end

-- `size` bytes were moved, of which `available` are at `payload`.
function M.data(c, at, from_client, payload, available, size)
    if c.phase == ASKED then M.make(c, at) end
    c.phase = MADE
    size = math.min(size, MOST)
    while size > 0 do
        local part = math.min(size, LARGEST)
        segment(c, at, from_client, part == size and PSH + ACK or ACK, payload, available, part)
        at:next()
        if available > 0 then payload = payload + math.min(part, available) end
        available, size = available - part, size - part
    end
end

-- One end has nothing more to say.
function M.finish(c, at, from_client)
    local fin = from_client and "client_fin" or "server_fin"
    if c[fin] or c.over then return end
    if c.phase == ASKED then return end
    c[fin], c.phase = true, MADE
    signal(c, at, from_client, FIN + ACK)
    if c.client_fin and c.server_fin then
        signal(c, at, not from_client, ACK)
        c.over = true
    end
end

return M
