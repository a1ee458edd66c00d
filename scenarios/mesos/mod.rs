mod agent;
mod fetcher;
mod framework;
mod health;
mod master;
mod offers;
mod recovery;
mod task;
