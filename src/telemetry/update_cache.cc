#include "telemetry/update_cache.h"
