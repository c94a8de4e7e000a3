#include "telemetry/spool.h"
