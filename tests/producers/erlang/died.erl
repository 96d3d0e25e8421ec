%% SPDX-License-Identifier: Apache-2.0
%% escript died.escript WHAT and erl -noshell -run died main WHAT: what Erlang says of an error that nobody catches.
-module(died).
-behaviour(gen_server).
-export([main/1, init/1, handle_call/3, handle_cast/2, total/2]).

total(Order, What) -> 1 + price(Order, What).

price(Order, "badarith") -> Order / list_to_integer("0");
price(Order, "badmatch") -> {ok, _} = id(Order), 1;
price(Order, "clause") -> 1 + choose(Order);
price(Order, "nth") -> 1 + lists:nth(Order, [a, b]);
price(Order, "undef") -> 1 + shop:price(Order);
price(_, "throw") -> throw(sold_out);
price(_, "exit") -> exit(no_shop);
price(Order, "error") -> erlang:error({bad_order, Order, "a message that is long enough to be broken into several lines by who prints it"}, [Order]).

choose(a) -> 1.
id(X) -> X.

init(N) -> {ok, N}.
handle_call({pay, What}, _From, N) -> {reply, total(N, What), N}.
handle_cast(_, N) -> {noreply, N}.

main(["process", What]) ->
    Pid = spawn(fun() -> total(7, What) end),
    monitor(process, Pid),
    receive {'DOWN', _, _, _, _} -> timer:sleep(200) end,
    halt(0);
main(["linked", What]) ->
    proc_lib:spawn(fun() -> total(7, What) end),
    timer:sleep(200),
    halt(0);
main(["server", What]) ->
    {ok, Pid} = gen_server:start(?MODULE, 7, []),
    catch gen_server:call(Pid, {pay, What}),
    timer:sleep(200),
    halt(0);
main([What]) ->
    io:format("~p~n", [1 + total(7, What)]).
