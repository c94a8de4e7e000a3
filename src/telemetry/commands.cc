#include "telemetry/commands.h"
