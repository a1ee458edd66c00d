# A name server for names that nobody else has: answers every question of one packet's length with one address.
# Arguments: the address to listen on, the port, and the address to answer. Tells by a file that it listens.
use strict;
use warnings;
use IO::Socket::INET;
use Socket;

my ($listen, $port, $address) = @ARGV;
my $socket = IO::Socket::INET->new(LocalAddr => $listen, LocalPort => $port, Proto => 'udp') or die "bind: $!";
exit if fork;
open(STDIN, '<', '/dev/null');
open(STDOUT, '>', '/dev/null');
open(STDERR, '>', '/dev/null');
while (my $peer = $socket->recv(my $query, 512)) {
    next if length($query) < 17;
    my $end = index($query, "\0", 12) + 5;
    my $type = unpack('n', substr($query, $end - 4, 2));
    my @answers = $type == 1 ? (pack('nnnNn', 0xc00c, 1, 1, 7, 4) . inet_aton($address)) : ();
    my $head = substr($query, 0, 2) . pack('nnnnn', 0x8180, 1, scalar(@answers), 0, 0);
    $socket->send($head . substr($query, 12, $end - 12) . join('', @answers), 0, $peer);
}
