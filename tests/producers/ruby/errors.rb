# SPDX-License-Identifier: Apache-2.0
# errors.rb KIND: ends with an error of that kind.
module Shop
  class Missing < StandardError; end

  class Shelf
    def take(name)
      raise Missing, "no #{name}\non the shelf"
    end

    def each_name(names)
      names.each { |name| [1].each { yield name } }
    end

    def self.open(names)
      shelf = new
      shelf.each_name(names) do |name|
        shelf.take(name)
      rescue Missing => e
        raise ArgumentError, "cannot sell #{name}"
      end
    end

    def [](index)
      index.fetch(7)
    end
  end
end

def down(n)
  down(n + 1)
end

def later
  Thread.new { Shop::Shelf.new.take('tea') }.tap { |t| t.report_on_exception = true }.join
end

case ARGV[0]
when 'plain' then Shop::Shelf.new.take('tea')
when 'cause' then Shop::Shelf.open(%w[tea coffee])
when 'nil' then nil.size_of_it
when 'index' then Shop::Shelf.new[[]]
when 'deep' then down(0)
when 'thread' then later
when 'eval' then eval("def made; raise 'in eval'; end; made")
when 'exit' then raise SignalException, 'SIGTERM'
when 'empty' then raise ''
when 'require' then require_relative 'broken'
when 'segv'
  require 'fiddle'
  [1].each { Fiddle::Pointer.new(8)[0, 4] }
when 'class'
  class Late
    [1].each { |x| x.missing }
  end
when 'logged'
  require 'logger'
  logger = Logger.new($stderr)
  2.times do |i|
    Shop::Shelf.new.take(i)
  rescue StandardError => e
    logger.error(e)
    warn e.full_message(highlight: false, order: :bottom)
    warn e.full_message(highlight: true)
  end
end
