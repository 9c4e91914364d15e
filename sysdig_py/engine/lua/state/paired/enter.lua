-- What exits need of their enter events, kept on the thread until the exit comes: `stored` is the type of the enter
-- event, `enter_1` .. `enter_3` are the parameters that matter.
local ev = require("ev")
local decode = require("decode")
local event_info = require("event_info")

local handlers = {}

local num, str, int = decode.num, decode.str, decode.int
local F_DUPFD, F_DUPFD_CLOEXEC = 1, 26

local function code_of(id)
    local _, code = event_info.layout(id .. "_E")
    return code
end

-- Keep what `take` returns of the enter events `id`.
local function keep(id, take)
    local code = code_of(id)
    handlers[code] = function()
        local thread = ev.thread
        thread.pairing.stored = code
        local a, b, c = take()
        thread.enter_1, thread.enter_2, thread.enter_3 = a or false, b or false, c or false
    end
end

local function first()
    return num(0)
end

local function first_two()
    return num(0), num(1)
end

keep("SYSCALL_OPEN", function() return str(0), num(1), nil end)
keep("SYSCALL_CREAT", function() return str(0), nil, nil end)
keep("SYSCALL_OPENAT", function() return str(1), num(2), int(0) end)
keep("SYSCALL_OPENAT_2", function() return str(1), num(2), int(0) end)
keep("SYSCALL_OPENAT2", function() return str(1), num(2), int(0) end)
keep("SOCKET_SOCKET", function() return num(0), num(1), num(2) end)
keep("SYSCALL_GETRLIMIT", first)
keep("SYSCALL_SETRLIMIT", first)
keep("SYSCALL_PRLIMIT", function() return int(0), num(1), nil end)
keep("SYSCALL_SETUID", first)
keep("SYSCALL_SETGID", first)
keep("SYSCALL_SETRESUID", first_two)
keep("SYSCALL_SETRESGID", first_two)
keep("SYSCALL_EXECVE_18", function() return str(0), nil, nil end)
keep("SYSCALL_EXECVE_19", function() return str(0), nil, nil end)
keep("SYSCALL_EXECVEAT", function() return str(1), num(2), int(0) end)
-- the destination is a tuple: its raw bytes
keep("SOCKET_SENDTO", function() return decode.bytes(2), nil, nil end)
keep("SOCKET_SENDMSG", function() return decode.bytes(2), nil, nil end)

do
    local code = code_of("SYSCALL_FCNTL")
    handlers[code] = function()
        local command = num(1)
        -- an exit of another command must not find the enter of an earlier duplication
        ev.thread.pairing.stored = (command == F_DUPFD or command == F_DUPFD_CLOEXEC) and code or -1
    end
end

return handlers
