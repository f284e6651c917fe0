# Ports of practice servers on 127.0.0.1.
#   my $listener = Port::hold;          a free port, held until the listener is closed
#   my $listener = Port::hold(8080);    that port, or undef with $! set
#   Port::holder(8080)                  'pid 17 (apache2 -f ...)', 'nobody'
# The ports lie below those that the system gives to connections, so that no
# client takes one by accident between two steps.
package Port;
use strict;
use warnings;
use IO::Socket::INET;

sub hold {
    my (@ports) = @_;
    my ($low) = lines('/proc/sys/net/ipv4/ip_local_port_range') =~ /(\d+)/;
    my ($from, $room) = ($low // 0) > 12000 ? (10240, $low - 10240) : (20000, 40000);
    @ports = map { $from + int rand $room } 1 .. 100 unless @ports;
    for my $port (@ports) {
        my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Proto => 'tcp', Listen => 64, ReuseAddr => 1);
        return $listener if $listener;
    }
    return undef;
}

# A free port whose server holds it a moment later.
sub free { my $listener = hold() or die "no free port: $!\n"; return $listener->sockport }

sub lines { my ($path) = @_; open my $in, '<', $path or return ''; local $/; return scalar(<$in>) // '' }

sub holder {
    my ($port) = @_;
    my $hex = sprintf ':%04X', $port;
    my %inodes;
    for my $line (map { split /\n/, lines("/proc/net/$_") } qw(tcp tcp6)) {
        my @field = split ' ', $line;
        $inodes{ $field[9] } = 1 if @field > 9 && $field[1] =~ /$hex$/ && $field[9];
    }
    for my $link (glob '/proc/[0-9]*/fd/*') {
        my ($inode) = (readlink($link) // '') =~ /^socket:\[(\d+)\]$/ or next;
        next unless $inodes{$inode};
        my ($pid) = $link =~ m{/proc/(\d+)};
        next if $pid == $$;
        return "pid $pid (" . join(' ', split /\0/, lines("/proc/$pid/cmdline")) . ')';
    }
    return %inodes ? 'a process of another user' : 'nobody any more';
}

1;
