-- Percentiles of durations in little memory: counts in buckets that grow by the eighth root of two, so that what is
-- told is right within 5%.

local M = {}

local PER_DOUBLING = 8
local SCALE = PER_DOUBLING / math.log(2)

-- Count one duration; `counts` is any table that nothing else uses.
function M.add(counts, duration)
    local bucket = duration > 1 and math.floor(math.log(duration) * SCALE) or 0
    counts[bucket] = (counts[bucket] or 0) + 1
end

-- Add the counts of `other` to `counts`.
function M.merge(counts, other)
    for bucket, count in pairs(other) do
        counts[bucket] = (counts[bucket] or 0) + count
    end
end

-- Return the duration that `share` (0 to 1) of those counted do not exceed, at most `maximum`; nil of none.
function M.value(counts, share, maximum)
    local buckets, total = {}, 0
    for bucket, count in pairs(counts) do
        buckets[#buckets + 1] = bucket
        total = total + count
    end
    table.sort(buckets)
    local wanted, seen = share * total, 0
    for _, bucket in ipairs(buckets) do
        seen = seen + counts[bucket]
        if seen >= wanted then
            return math.min(math.floor(2 ^ ((bucket + 0.5) / PER_DOUBLING) + 0.5), maximum)
        end
    end
    return nil
end

return M
