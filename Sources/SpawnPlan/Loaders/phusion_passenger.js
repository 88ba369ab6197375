// SPDX-License-Identifier: MIT
'use strict';

// For applications that ask for it by require instead of using the global.
module.exports = global.PhusionPassenger;
