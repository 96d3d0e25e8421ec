<?php
// SPDX-License-Identifier: Apache-2.0
// errors.php KIND: ends with an error of that kind. php -d display_errors=stderr -d html_errors=0 errors.php KIND
namespace Shop;

interface Taker
{
    public function take(string $name): mixed;
}

class Missing extends \RuntimeException
{
}

class Shelf implements Taker
{
    public function take(string $name): mixed
    {
        throw new Missing("no $name\non the shelf");
    }

    public static function open(array $names, callable $action): array
    {
        return array_map($action, $names);
    }

    public function __call(string $name, array $arguments): mixed
    {
        return $this->take($name);
    }
}

function sell(Taker $shelf, string $name): mixed
{
    try {
        return $shelf->take($name);
    } catch (Missing $error) {
        throw new \LogicException("cannot sell $name", 7, $error);
    }
}

function down(int $n): int
{
    return down($n + 1) + 1;
}

$shelf = new Shelf();
$anonymous = new class extends Shelf {
    public function take(string $name): mixed
    {
        return intdiv(1, 0);
    }
};

match ($argv[1]) {
    'uncaught' => $shelf->take('tea with a rather long name'),
    'next' => sell($shelf, 'tea'),
    'closure' => Shelf::open(['a', 'b'], fn (string $name) => sell($shelf, $name)),
    'anonymous' => sell($anonymous, 'tea'),
    'magic' => $shelf->coffee([1, 2], null, 1.5, $shelf),
    'type' => sell('no shelf', 'tea'),
    'missing' => missing_function(1),
    'parse' => eval('this is no PHP'),
    'include' => require __DIR__ . '/included.php',
    'memory' => str_repeat('x', 1 << 40) && ini_set('memory_limit', '2M'),
    'exhausted' => ini_set('memory_limit', '2M') && range(1, 1000000),
    'overflow' => down(0),
    'warning' => $shelf->{'x'} . file_get_contents('/nowhere') . [][3],
    'trigger' => trigger_error('give up', E_USER_ERROR),
    'print' => (function () { debug_print_backtrace(); })(),
    'logged' => (function () use ($shelf) {
        for ($i = 0; $i < 2; $i++) {
            try {
                sell($shelf, "tea $i");
            } catch (\Exception $error) {
                error_log("request $i failed: $error");
            }
        }
    })(),
};
