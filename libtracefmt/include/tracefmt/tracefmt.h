/* All of libtracefmt. */
#ifndef TRACEFMT_H
#define TRACEFMT_H

#define TFMT_VERSION "0.1.0"

#include "tracefmt/calltree.h"
#include "tracefmt/check.h"
#include "tracefmt/diff.h"
#include "tracefmt/error.h"
#include "tracefmt/filter.h"
#include "tracefmt/header.h"
#include "tracefmt/limits.h"
#include "tracefmt/reader.h"
#include "tracefmt/record.h"
#include "tracefmt/series.h"
#include "tracefmt/trace.h"
#include "tracefmt/walk.h"
#include "tracefmt/weight.h"
#include "tracefmt/writer.h"

#endif
