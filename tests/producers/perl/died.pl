# SPDX-License-Identifier: Apache-2.0
# perl died.pl WHAT: dies, with and without Carp's list of calls.
use strict;
use warnings;

package Shop::Order;
use Carp;

sub new { my ($class, %fields) = @_; return bless {%fields}, $class }
sub price {
	my ($self, $what) = @_;
	return 1 / ($self->{n} - $self->{n}) if $what eq 'divide';
	return $self->missing(3) if $what eq 'method';
	die "no price\n" if $what eq 'newline';
	die "no price" if $what eq 'die';
	die { code => 3 } if $what eq 'hash';
	croak "no price for you" if $what eq 'croak';
	confess "no price for 'you', 3 ", "and others" if $what eq 'confess';
	if ($what eq 'eval') {
		eval { die "inner" };
		confess "outer: $@";
	}
	Carp::cluck "cheap" if $what eq 'cluck';
	my @all = map { $_->{x} } (undef);
	my $file;
	return <$file> . "x" if $what eq 'handle';
}

package main;

sub total { my ($order, $what) = @_; my $sum = 1 + $order->price($what); return $sum }
sub each_one { my ($f, @args) = @_; return $f->(@args) }

my $what = $ARGV[0];
$SIG{__DIE__} = \&Carp::confess if $what =~ s/^all-//;
my $order = Shop::Order->new(n => 7, name => "a long name, so that Carp has something to cut off here");
print each_one(sub { total($order, @_) }, $what), "\n";
