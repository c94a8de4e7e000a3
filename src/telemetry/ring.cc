#include "telemetry/ring.h"
