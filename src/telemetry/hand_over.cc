#include "telemetry/hand_over.h"
