#!/bin/sh
# A federation of five member nodes: objects say how many copies they want and where, nodes say which copies they take.
# PANDO_CONFIG=federation.yaml sh federation.sh
set -eu
policy="$(dirname "$0")/federation-policy.xml"

# 1. Two objects of ESA: two copies of each besides its own, at KNB and PISCO if those take it, never at SOMEBADNODE.
pando upload plots.csv map.tif --scope lter --store ESA
pando policy set lter:plots.csv "$policy"
pando policy set lter:map.tif "$policy"
pando worker --until-idle
pando policy show lter:plots.csv # both preferred nodes took it
pando policy show lter:map.tif # PISCO takes no such format: SANPARKS instead

# 2. What PISCO says of others. Nothing is copied for that, and of a file that lies at ESA already not a byte is read.
pando upload readings.csv --scope lter --store SOMEBADNODE
pando plan rule lter:readings.csv --copies 1 --stores PISCO # nothing from this node
pando stat ESA:survey.csv
pando plan rule ESA:survey.csv --copies 1 --stores PISCO # too large
pando plan --policy ESA:survey.csv "$policy" # so it would go elsewhere

# 3. KNB burns down. What that means is known before it is said, and mended once it is.
rm -r nodes/knb
pando plan --lose KNB
pando store set KNB --no-read --no-write --no-delete
pando store lost KNB --yes
pando worker --until-idle
pando resolve lter:plots.csv
pando explain lter:map.tif # one copy has no place any more: which nodes do not take it, and why
