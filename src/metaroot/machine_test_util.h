// Events and states of the metadata root as text, for tests.
//
//   cluster 7
//   store 1 127.0.0.1:1
//   intend 1 drain
//   layout 1[,m)1.1@1:11,2:12 2[m,)1.1@1:21,2:22
//   plan split 1[,m)1.1@1:11 -> 1[,c)2.1@1:11 3[c,m)2.1@1:13
//   move split:1:63 finished because
//   lease c1 1000
//   end 1                 given back; "end 1 5": the time of the grant of revision 5 had passed
//   window ids 1 10 100    generation, from, until
//
// A region is ID[START,END)VERSION.CONF_VERSION@STORE:PEER,… with an l behind a learner.
#pragma once

#include <string>
#include <string_view>

#include "metaroot/event.h"
#include "metaroot/state.h"

namespace nokv::metaroot {

// Stops the test at what it cannot read.
Event ParseEvent(std::string_view line);
topology::Region ParseRegion(std::string_view text);
std::string FormatRegion(const topology::Region& region);
// Without the transitions that have ended.
std::string FormatState(const State& state);

}  // namespace nokv::metaroot
