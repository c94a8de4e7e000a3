#include "telemetry/courier_process.h"
