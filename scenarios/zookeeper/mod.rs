mod ensemble;
