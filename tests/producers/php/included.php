<?php
// SPDX-License-Identifier: Apache-2.0
Shop\sell($shelf, 'included');
