#include "engine/io/dataset.h"
