# SPDX-License-Identifier: Apache-2.0
# died WHAT: dies of an exception that nobody rescues, or of memory that nobody may touch. crystal build died.cr, with --release too.
module Shop
  class BadOrder < Exception
  end

  class Order
    def initialize(@sides : Array(Int32))
    end

    def side(which)
      @sides[which]
    end

    def price(what : String, n)
      case what
      when "index"  then 1 + side(n)
      when "key"    then 1 + {"a" => 1}["price"]
      when "raise"  then raise BadOrder.new("no price\nfor the order")
      when "divide" then 1 + n // (n - n)
      when "cause"
        begin
          1 + side(n)
        rescue e
          raise BadOrder.new("no price", e)
        end
      when "memory" then 1 + Pointer(Int32).new(16).value
      when "block"  then [1, 2].map { |i| side(n + i) }.sum
      else               0
      end
    end
  end

  def self.total(order, what)
    1 + order.price(what, 9)
  end
end

what = ARGV[0]
order = Shop::Order.new([1, 2, 3])
if ARGV.size > 1
  spawn(name: "till-1") { Shop.total(order, what) }
  Fiber.yield
else
  puts Shop.total(order, what)
end
