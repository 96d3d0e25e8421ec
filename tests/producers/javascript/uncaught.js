// SPDX-License-Identifier: Apache-2.0
function f() { null.x; }
f();
