-- Where the time of spans (tracers) goes: folded stacks, as flame graph tools read them.
-- A line per chain of tags, with the microseconds that were spent there and in none of the spans below.
--
--   sysdig-py -r trace -c flame > spans.folded        then: flamegraph.pl spans.folded, or open it with speedscope
--
--   login 9150
--   login;database 3250

local json = require "json"

description = "Shows where the time of spans goes: one line per chain of tags with the microseconds spent in it alone, "
    .. "the form that flame graph tools read. With -j a tree: total time (tt), number of spans (c), container and "
    .. "program of the last one, what is below (ch)."
short_description = "Spans as a flame graph"
category = "Tracers"

args = {}

local MAX_DEPTH = 256
local NS_PER_US = 1000

local fields = {}
local root = { ch = {} }

function on_init()
    for _, name in ipairs({ "span.ntags", "span.duration", "container.name", "proc.exeline" }) do
        fields[name] = chisel.request_field(name)
    end
    for depth = 0, MAX_DEPTH - 1 do
        fields[depth] = chisel.request_field("span.tag[" .. depth .. "]")
    end
    chisel.set_filter("evt.type=tracer and evt.dir=<")
    return true
end

local function child(node, tag)
    local found = node.ch[tag]
    if not found then
        found = { tt = 0, c = 0, ch = {} }
        node.ch[tag] = found
    end
    return found
end

function on_event()
    local duration = evt.field(fields["span.duration"])
    if not duration then
        return false
    end
    local node = root
    for depth = 0, math.min(evt.field(fields["span.ntags"]), MAX_DEPTH) - 1 do
        node = child(node, evt.field(fields[depth]))
    end
    if node ~= root then
        node.tt, node.c = node.tt + duration, node.c + 1
        node.cont, node.exe = evt.field(fields["container.name"]), evt.field(fields["proc.exeline"])
    end
    return false
end

local function sorted_tags(node)
    local tags = {}
    for tag in pairs(node.ch) do
        tags[#tags + 1] = tag
    end
    table.sort(tags)
    return tags
end

local function print_folded(node, path)
    local below = 0
    for _, tag in ipairs(sorted_tags(node)) do
        below = below + node.ch[tag].tt
    end
    if path and node.tt > below then
        print(("%s %d"):format(path, (node.tt - below) / NS_PER_US))
    end
    for _, tag in ipairs(sorted_tags(node)) do
        -- a semicolon parts the tags, a blank the number
        local name = tag:gsub("[; ]", "_")
        print_folded(node.ch[tag], path and path .. ";" .. name or name)
    end
end

function on_capture_end()
    if sysdig.get_output_format() == "json" then
        print(json.encode(root.ch))
    else
        print_folded(root, nil)
    end
end
