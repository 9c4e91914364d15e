-- Fields of tracers: spans that programs announce by writing to /dev/null, and the events made during a span. Streams
-- carry such writes as plain writes; without a span none of these fields has a value.
local F = {}

local function nothing()
    return nil
end

local function no_value()
    return { get = nothing }
end

local PARTS = { "id", "ntags", "nargs", "tags", "args" }
local CHOSEN = { "tag", "arg" }

local function add(prefix)
    for _, part in ipairs(PARTS) do F[prefix .. part] = no_value() end
    for _, part in ipairs(CHOSEN) do F[prefix .. part] = { make = no_value } end
end

for _, scope in ipairs({ "span.", "evtin.span.", "evtin.span.p.", "evtin.span.s.", "evtin.span.m." }) do add(scope) end

for _, part in ipairs({ "time", "enterargs", "duration", "duration.quantized", "duration.human", "count", "rawtime",
    "rawparenttime" }) do
    F["span." .. part] = no_value()
end
for _, part in ipairs({ "enterarg", "duration.fortag", "count.fortag", "childcount.fortag", "idtag" }) do
    F["span." .. part] = { make = no_value }
end

return { fields = F }
