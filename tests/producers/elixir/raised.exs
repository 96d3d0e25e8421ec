# SPDX-License-Identifier: Apache-2.0
# elixir raised.exs WHAT: dies of an exception that nobody rescues, or says how a process did.
defmodule Shop.BadOrder do
  defexception [:message]
end

defmodule Shop do
  def total(order, what) do
    1 + price(order, what)
  end

  def price(order, "arithmetic"), do: order / 0
  def price(order, "badmap"), do: Map.fetch!(order, :price)
  def price(order, "match"), do: {:ok, _} = order
  def price(order, "raise"), do: raise(Shop.BadOrder, message: "order #{order}\nis not for sale")
  def price(_, "throw"), do: throw(:sold_out)
  def price(_, "exit"), do: exit(:no_shop)
  def price(order, "fun") do
    1 + hd(Enum.map([order], fn o -> 1 + String.length(o) end))
  end

  def price(order, "task") do
    Task.async(fn -> 1 + total(order, "arithmetic") end) |> Task.await()
  end
end

defmodule Shop.Till do
  use GenServer
  def init(n), do: {:ok, n}
  def handle_call({:pay, what}, _from, n), do: {:reply, Shop.total(n, what), n}
end

case System.argv() do
  ["server"] ->
    {:ok, till} = GenServer.start(Shop.Till, 3)
    catch_exit = fn f -> try do f.() catch :exit, _ -> :ok end end
    catch_exit.(fn -> GenServer.call(till, {:pay, "arithmetic"}) end)
    Process.sleep(200)

  [what] ->
    IO.puts(1 + Shop.total(7, what))
end
