#include "telemetry/event_table.h"
