#include "telemetry/gate.h"
